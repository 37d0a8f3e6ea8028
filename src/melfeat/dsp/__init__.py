"""The constants and shapes each stage needs, in plain NumPy. Nothing here is public."""
