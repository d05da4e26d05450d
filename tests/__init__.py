"""The tests: one file a module, names are sentences."""
