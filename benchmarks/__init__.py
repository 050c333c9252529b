"""Measures Pivot beside its peers and beside what nobody can avoid; see README.md."""
