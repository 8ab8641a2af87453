"""Messages that outlive connections and restarts: a queue whose changes a store makes durable."""
