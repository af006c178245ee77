mod behind;
mod cuts;
mod erasing;
mod meeting;
mod puts;
mod remaking;
mod vanishing;
