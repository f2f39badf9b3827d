"""The commands of the trainer, one file each: flags in, one call, lines out."""
