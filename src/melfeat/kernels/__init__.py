"""Loops over lane blocks, compiled by Numba on first use. Nothing here is public."""
