//! Runs of invented collectors against an invented network.
