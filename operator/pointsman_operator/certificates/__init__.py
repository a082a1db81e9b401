"""The certificates of the snapshot stream, made and renewed by the operator: docs/decisions/certificates.md.

keeper (Secrets, files) → renewal (what is due; pure) → x509 (makes and reads PEM)
"""
