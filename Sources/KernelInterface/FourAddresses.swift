/// Where four rows are.
public struct FourAddresses {
    public let a: UnsafeRawPointer
    public let b: UnsafeRawPointer
    public let c: UnsafeRawPointer
    public let d: UnsafeRawPointer

    /// The rows of an identity, in a matrix like that of the features.
    @inlinable @inline(__always)
    public init(_ start: UnsafeRawPointer, _ identity: Identity, bytes: Int, _ rows: Rows) {
        a = start + identity.row(0) &* bytes
        if rows.offsets == nil {
            b = a + bytes
            c = b + bytes
            d = c + bytes
        } else {
            b = start + identity.row(1) &* bytes
            c = start + identity.row(2) &* bytes
            d = start + identity.row(3) &* bytes
        }
    }

    /// The first rows of four identities.
    @inlinable @inline(__always)
    public init(_ rows: Rows, firstRowsFrom first: Int, bytes: Int) {
        func row(_ identity: Int) -> UnsafeRawPointer { rows.features + rows.identity(identity).row(0) &* bytes }
        (a, b, c, d) = (row(first), row(first &+ 1), row(first &+ 2), row(first &+ 3))
    }
}

/// Where all is about an identity of four rows.
public struct IdentityAddresses {
    public let rows: FourAddresses
    /// The rows of the gradient.
    public let targets: FourAddresses
    /// The vector that the first row has for itself.
    public let own: UnsafeRawPointer

    @inlinable @inline(__always)
    public init(rows: FourAddresses, targets: FourAddresses, own: UnsafeRawPointer) {
        (self.rows, self.targets, self.own) = (rows, targets, own)
    }
}
