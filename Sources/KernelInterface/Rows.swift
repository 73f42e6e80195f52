/// How a raw row `f` of norm `n` becomes the row `x` the loss sees.
public enum Normalization: Int32, Sendable {
    /// `x = f`
    case none = 0
    /// `x = f / max(n, 1e-12)`
    case l2 = 1
    /// `n > 1e-5: x = f / (n + 1e-7)`, else `x = 1e5 f`
    case renorm = 2
}

/// The features and how their rows fall into identities.
///
/// "Grouped" row numbers count the rows identity after identity. In a P×K batch that is the batch's own order, and
/// `order` holds just `0 ..< samplesPerId`, shared by all identities; otherwise `order` holds all rows of the batch.
public struct Rows {
    public var features: UnsafeRawPointer
    public var element: ElementType
    /// Elements from one row to the next.
    public var stride: Int
    public var count: Int
    public var dim: Int
    public var identityCount: Int
    public var order: UnsafePointer<Int>
    /// `identityCount + 1` grouped row numbers where the identities start; nil when all have `samplesPerId` rows.
    public var offsets: UnsafePointer<Int>?
    /// Rows of an identity when `offsets` is nil.
    public var samplesPerId: Int
    /// Rows of the identity that has the most.
    public var largestIdentity: Int
    public var normalization: Normalization

    @inlinable
    public init(
        features: UnsafeRawPointer, element: ElementType, stride: Int, count: Int, dim: Int, identityCount: Int,
        order: UnsafePointer<Int>, offsets: UnsafePointer<Int>?, samplesPerId: Int,
        largestIdentity: Int, normalization: Normalization
    ) {
        self.features = features
        self.element = element
        self.stride = stride
        self.count = count
        self.dim = dim
        self.identityCount = identityCount
        self.order = order
        self.offsets = offsets
        self.samplesPerId = samplesPerId
        self.largestIdentity = largestIdentity
        self.normalization = normalization
    }

    /// The bytes of so many rows, without what lies between them.
    @inlinable @inline(__always)
    public func bytes(of rowCount: Int) -> Int { rowCount &* dim &* element.size }

    /// Whether the kernels use the rows where they are; else they copy them into scratch, see `stagedColumns`.
    @inlinable @inline(__always)
    public var isDirect: Bool { dim >= element.lanes && element.size == element.computeSize }

    /// Compute scalars of scratch for one copied row.
    @inlinable @inline(__always)
    public var stagedColumns: Int { isDirect ? 0 : element.padded(dim) }

    /// The rows of identity `c`: `base + members[0]`, `base + members[1]`, …
    @inlinable @inline(__always)
    public func identity(_ c: Int) -> Identity {
        guard let offsets else {
            return Identity(start: c &* samplesPerId, count: samplesPerId, base: c &* samplesPerId, members: order)
        }
        let start = offsets[c]
        return Identity(start: start, count: offsets[c &+ 1] &- start, base: 0, members: order + start)
    }
}

extension Rows {
    /// The identity of a grouped row number.
    @inlinable
    public func identityOfRow(_ r: Int) -> Int {
        guard let offsets else { return r / samplesPerId }
        var low = 0
        var high = identityCount
        while high &- low > 1 {
            let middle = (low &+ high) / 2
            if offsets[middle] <= r { low = middle } else { high = middle }
        }
        return low
    }
}

/// One identity's rows, see `Rows.identity`.
public struct Identity {
    /// The grouped number of its first row.
    public var start: Int
    public var count: Int
    public var base: Int
    public var members: UnsafePointer<Int>

    @inlinable @inline(__always)
    public init(start: Int, count: Int, base: Int, members: UnsafePointer<Int>) {
        self.start = start
        self.count = count
        self.base = base
        self.members = members
    }

    /// The number in the batch of this identity's row `a`.
    @inlinable @inline(__always)
    public func row(_ a: Int) -> Int { base &+ members[a] }
}

/// The vectors that are pushed apart.
public enum PushPoints: Int32, Sendable {
    case representatives = 0
    case centroids = 1
    case all = 2
}
