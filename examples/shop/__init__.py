"""A small shop: what it sells, what it charges, and what its warehouses hold."""
