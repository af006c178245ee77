mod behind;
mod cuts;
mod erasing;
mod puts;
mod remaking;
