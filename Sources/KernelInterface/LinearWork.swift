/// Scratch for `Kernels.writeLinear`.
public struct LinearSpace {
    /// A state for each row of the largest identity.
    public var states: UnsafeMutablePointer<RowState>
    /// 64 bytes for each row, and no less than `leastProducts`.
    public var products: UnsafeMutableRawPointer
    /// A vector.
    public var sum: UnsafeMutableRawPointer

    @inlinable
    public init(
        states: UnsafeMutablePointer<RowState>, products: UnsafeMutableRawPointer, sum: UnsafeMutableRawPointer
    ) {
        self.states = states
        self.products = products
        self.sum = sum
    }

    @inlinable @inline(__always)
    public static var leastProducts: Int { 512 }
}

/// Sums over identities of `Kernels.writeLinear`.
public struct LinearSums {
    /// Identities that are done; the next one is exceptional, if there is one.
    public var identities = 0
    /// `Σ ‖r‖²`
    public var firstSquares = 0.0
    /// Over identities of more than one row: `Σ K²`, `Σ K`, `Σ ‖s‖²`, `Σ ‖x_a‖²` and `Σ K ‖x_a‖²`.
    public var countSquares = 0.0
    public var counts = 0.0
    public var products = 0.0
    public var squares = 0.0
    public var squaresByCount = 0.0

    @inlinable
    public init() {}

    /// Adds the sums of one identity of `count` rows, or of more.
    @inlinable @inline(__always)
    public mutating func add(_ sums: RowSums, count: Int, identities more: Int = 1) {
        let k = Double(count)
        identities &+= more
        firstSquares += sums.firstSquare
        guard count > 1 else { return }
        countSquares += Double(more) * (k * k)
        counts += Double(more) * k
        products += sums.product
        squares += sums.squares
        squaresByCount += k * sums.squares
    }
}
