"""What an event is: its fields, its type, its identity, and the bytes it is stored as."""
