"""What does an open handle, or a lazy value, lead to: files that will be read, and what is in none of them."""
