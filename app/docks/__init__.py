"""What stands beside the places? One dock a file; the window wires them by signals."""
