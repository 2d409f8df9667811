"""What other machines may know of the box: figures, states and events; nothing waits for them."""
