"""A stand-in for RunComfy's Model API: the same endpoints, real pictures, and every fault on demand."""
