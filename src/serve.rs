//! SHELL. The composition root: makes every part and joins them.
