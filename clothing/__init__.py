"""Sorts photos of returned clothing overnight."""
