#!/usr/bin/env python3
"""Does a .tlog-proof prove that a leaf is in a log? Written from the C2SP texts and RFCs alone; nothing of Vigie, nothing but the standard library.

    proof.py LEAF_FILE PROOF_FILE VERIFIER_KEY

c2sp.org/tlog-proof (the file), c2sp.org/tlog-checkpoint and c2sp.org/signed-note (the signature), RFC 6962 section 2.1 and RFC 9162
section 2.1.3.2 (the tree), RFC 8032 section 5.1 (Ed25519, as its appendix has it). Exits 1, with a reason, where it does not hold.
"""

import base64
import hashlib
import sys

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def sha512_number(data):
    return int.from_bytes(hashlib.sha512(data).digest(), "little")


def add(a, b):
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    s, d = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, e = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    g, f, h, i = e - c, e + c, d - s, d + s
    return h * g % P, f * i % P, g * f % P, h * i % P


def times(number, point):
    total = (0, 1, 1, 0)
    while number > 0:
        if number & 1:
            total = add(total, point)
        point = add(point, point)
        number >>= 1
    return total


def recover_x(y, sign):
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P)
    if square % P == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P != 0:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - square) % P != 0:
        return None
    return P - x if (x & 1) != sign else x


def point_of(data):
    if len(data) != 32:
        return None
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover_x(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def ed25519_verifies(public, message, signature):
    key, r = point_of(public), point_of(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or key is None or r is None or s >= L:
        return False
    h = sha512_number(signature[:32] + public + message) % L
    left, right = times(s, BASE), add(r, times(h, key))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


def refuse(why):
    print(why, file=sys.stderr)
    sys.exit(1)


def open_note(text, vkey):
    """signed-note: text, an empty line, lines of em dash, name, base64 of key id and signature."""
    name, key_id, key = vkey.split("+", 2)
    data = base64.b64decode(key, validate=True)
    if data[0] != 1 or len(data) != 33:
        refuse("the verifier key is not an Ed25519 key")
    computed = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    if computed.hex() != key_id:
        refuse("the key id does not belong to the verifier key")
    body, _, signatures = text.rpartition("\n\n")
    body += "\n"
    for line in signatures.split("\n"):
        if not line:
            continue
        dash, signer, encoded = line.split(" ", 2)
        if dash != "\u2014":
            refuse("a signature line does not begin with a dash")
        raw = base64.b64decode(encoded, validate=True)
        if signer == name and raw[:4] == computed:
            if ed25519_verifies(data[1:], body.encode(), raw[4:]):
                return body
            refuse("the checkpoint's signature does not verify")
    refuse("the checkpoint is not signed by this key")


def root_from_path(leaf_hash, index, size, path):
    """RFC 9162, section 2.1.3.2."""
    if index >= size:
        refuse("the index is not in the tree")
    fn, sn, r = index, size - 1, leaf_hash
    for p in path:
        if sn == 0:
            refuse("the proof is too long")
        if fn & 1 or fn == sn:
            r = hashlib.sha256(b"\x01" + p + r).digest()
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = hashlib.sha256(b"\x01" + r + p).digest()
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        refuse("the proof is too short")
    return r


def main():
    leaf_file, proof_file, vkey = sys.argv[1:]
    with open(leaf_file, "rb") as file:
        leaf = file.read()
    with open(proof_file, encoding="utf-8", newline="") as file:
        head, _, checkpoint = file.read().partition("\n\n")
    lines = head.split("\n")
    if lines.pop(0) != "c2sp.org/tlog-proof@v1":
        refuse("this is no tlog-proof")
    if lines[0].startswith("extra "):
        lines.pop(0)
    word, _, number = lines.pop(0).partition(" ")
    if word != "index" or str(int(number)) != number:
        refuse("there is no index")
    path = [base64.b64decode(line, validate=True) for line in lines]
    body = open_note(checkpoint, vkey).split("\n")
    if body[0] != vkey.split("+", 1)[0]:
        refuse("the checkpoint is of another log")
    size, root = int(body[1]), base64.b64decode(body[2], validate=True)
    if root_from_path(hashlib.sha256(b"\x00" + leaf).digest(), int(number), size, path) != root:
        refuse("the leaf is not in the log")
    print(f"leaf {number} is in {body[0]} of {size} leaves")


main()
