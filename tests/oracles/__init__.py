"""Definitions in float64 plain NumPy, straight from the literature and importing nothing of melfeat."""
