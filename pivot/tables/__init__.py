"""How do two versions of one file differ? Rows and columns of tables, lines of text, pictures."""
