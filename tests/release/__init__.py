"""What is released, tried as who installs it would: the archives, an application beside them, type checkers."""
