"""The pipeline's code: plain functions, nothing of Pivot in them."""
