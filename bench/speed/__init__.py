"""How fast the service is, against others in one run (`make bench`), and against itself at another commit."""
