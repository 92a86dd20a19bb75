"""What the user sees in a notebook or a terminal: magics, outputs, cells, tables, the panel."""
