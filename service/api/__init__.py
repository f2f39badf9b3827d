"""The doors: each one translates between a transport and the codec, and decides nothing."""
