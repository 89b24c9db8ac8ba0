"""What fills the middle of the window? One place a file; the window wires them by signals."""
