"""What our projections make of a day."""
