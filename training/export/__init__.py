"""From weights to a published version of contract one."""
