"""Files of partners' records: read whole, put in order, credited page by page; safe to repeat at any point."""
