"""Rows -> what the command line shows or writes: a table, lines of JSON, arrays, tables for programs, pictures."""
