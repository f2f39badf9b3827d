"""`digitcodec bulk` under measurement: every digit comes out, killed or not, equal to what the service answers."""
