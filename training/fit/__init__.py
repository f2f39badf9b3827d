"""From images to weights; knows no files but its own checkpoints."""
