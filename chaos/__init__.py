"""Breaking the service on purpose, many times, with a count at the end: `python -m chaos --help`.

A tool for people and a part of the test suite. It starts real runs and web apps, ends them where
it hurts, lets the next run go on, and then asks a witness of its own what the tables hold. It
never judges by what the service says of itself.
"""
