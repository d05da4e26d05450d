"""The commands with a module of their own, and what all show; `cli` puts them together."""
