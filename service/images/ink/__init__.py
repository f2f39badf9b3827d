"""Ink on a picture of any size, told from uneven paper, and the digit's ink from that of frames, lines and dirt.

`paper` says how much each pixel differs from the paper around it, `parts` which inked pixels hang together, `lines` and
`selection` which of them are the digit, and `placing` puts it into 28x28. The work grows with the pixels of a page of
bounded size, whatever is on it.
"""
