"""The commands beside `run`, `classify` and `serve`, a module each; `cli` puts them together."""
