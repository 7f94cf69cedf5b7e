"""Pseudonyms: what stands for patients and courses wherever the service keeps something."""

import hashlib
import hmac


def pseudonym(patient_id: str, key: bytes) -> str:
    """Give what stands for a patient in the trail: the same for the same patient and key.

    HMAC-SHA-256 (RFC 2104): without the key nobody can try ids until one fits.
    """
    return hmac.new(key, patient_id.encode(), hashlib.sha256).hexdigest()[:32]


def course_pseudonym(course_id: str, key: bytes) -> str:
    """Give what stands for a course; empty for none."""
    return pseudonym(f"course:{course_id}", key) if course_id else ""
