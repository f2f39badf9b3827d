"""`digitcodec doctor`: a module for each thing that it looks at; each says what it found, and looks no further."""
