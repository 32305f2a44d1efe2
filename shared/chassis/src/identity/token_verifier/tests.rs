mod fake;
mod keys;
mod rules;
