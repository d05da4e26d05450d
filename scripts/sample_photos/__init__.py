"""Draws the sample photos of returned garments; run it as ``python -m scripts.sample_photos``."""
