"""Two versions side by side, and the better one's way into the models; changes neither of the two."""
