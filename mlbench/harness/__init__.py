"""The only package that imports lm_eval: its Task, its backends, one cell at a time."""
