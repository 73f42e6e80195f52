/// A matrix of compute scalars.
public struct Matrix {
    public var start: UnsafeMutableRawPointer
    /// Scalars from one row to the next, and from one column to the next.
    public var rowStride: Int
    public var columnStride: Int

    @inlinable
    public init(_ start: UnsafeMutableRawPointer, rowStride: Int, columnStride: Int = 1) {
        self.start = start
        self.rowStride = rowStride
        self.columnStride = columnStride
    }

    public var transposed: Matrix { Matrix(start, rowStride: columnStride, columnStride: rowStride) }

    /// The part of a matrix of contiguous rows that begins at this row and column.
    public func from(row: Int, column: Int = 0, _ element: ElementType) -> Matrix {
        Matrix(start + (row &* rowStride &+ column) &* element.computeSize, rowStride: rowStride)
    }
}

/// Rows of a product that are worked on at a time.
public let productRows = 6

/// `c (+)= a·b` for an m×k by k×n product; none of these is 0. Rows of b and c are contiguous and padded: n is rounded up to
/// whole lanes. m is rounded up to a multiple of `productRows`: a and c have that many rows.
public struct Product {
    public var m: Int
    public var n: Int
    public var k: Int
    public var a: Matrix
    public var b: Matrix
    public var c: Matrix
    /// Whether c is added to.
    public var adding: Bool

    @inlinable
    public init(m: Int, n: Int, k: Int, _ a: Matrix, _ b: Matrix, into c: Matrix, adding: Bool) {
        (self.m, self.n, self.k) = (m, n, k)
        (self.a, self.b, self.c) = (a, b, c)
        self.adding = adding
    }
}
