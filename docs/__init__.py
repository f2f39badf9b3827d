"""Documentation, and the scripts that draw and write parts of it from the code."""
