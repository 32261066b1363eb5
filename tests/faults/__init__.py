"""What goes wrong in operation: processes killed, disks full, files locked, gone or copied, clocks that jump."""
