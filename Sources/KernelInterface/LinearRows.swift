/// The most common work, whole identities in one go: a push between representatives, rows that are used where they are,
/// and a gradient that is written where it belongs.
///
/// The gradient with respect to a normalised row `x_a` of an identity with `K` rows and the sum `s` is
///
///     K ≥ 2:           pullOnSum·s + (pullOnRow + pullOnRowByCount·K)·x_a
///     first row only:  ownOnFirst·v + firstOnFirst·x_a
///
/// with one vector `v` for all identities, or one for each.
public struct LinearRows {
    public var rows: UnsafePointer<Rows>
    public var gradient: UnsafeMutableRawPointer
    /// Bytes from one row to the next.
    public var featureBytes: Int
    public var gradientBytes: Int
    public var pullOnSum: Double
    public var pullOnRow: Double
    public var pullOnRowByCount: Double
    public var ownOnFirst: Double
    public var firstOnFirst: Double
    /// v of identity 0, and bytes from one identity's to the next's.
    public var own: UnsafeRawPointer
    public var ownBytes: Int
    /// Whether the pull needs the distances of rows that are close to each other.
    public var centred: Bool
    /// Whether the squares of rows that are not normalised are asked for; without, they may be left out of the sums.
    public var wantsSquares: Bool
    /// Whether an identity was exceptional, so that more of them may be.
    public var oneByOne: Bool
    /// Whether the gradient is too large to be found in the caches by whoever reads it.
    public var isLarge: Bool
    /// Whether it is written past the caches, to multiples of 16 bytes.
    public var pastCaches: Bool
    /// Scratch: a state for each row of the largest identity, 64 bytes for each and no less than `leastScratch`, and a vector.
    public var states: UnsafeMutablePointer<RowState>
    public var products: UnsafeMutableRawPointer
    public var sum: UnsafeMutableRawPointer

    @inlinable
    public init(
        rows: UnsafePointer<Rows>, gradient: UnsafeMutableRawPointer, featureBytes: Int, gradientBytes: Int,
        pullOnSum: Double, pullOnRow: Double, pullOnRowByCount: Double, ownOnFirst: Double, firstOnFirst: Double,
        own: UnsafeRawPointer, ownBytes: Int, centred: Bool, wantsSquares: Bool,
        oneByOne: Bool, isLarge: Bool, pastCaches: Bool,
        states: UnsafeMutablePointer<RowState>, products: UnsafeMutableRawPointer, sum: UnsafeMutableRawPointer
    ) {
        self.rows = rows
        self.gradient = gradient
        self.featureBytes = featureBytes
        self.gradientBytes = gradientBytes
        self.pullOnSum = pullOnSum
        self.pullOnRow = pullOnRow
        self.pullOnRowByCount = pullOnRowByCount
        self.ownOnFirst = ownOnFirst
        self.firstOnFirst = firstOnFirst
        self.own = own
        self.ownBytes = ownBytes
        self.centred = centred
        self.wantsSquares = wantsSquares
        self.oneByOne = oneByOne
        self.isLarge = isLarge
        self.pastCaches = pastCaches
        self.states = states
        self.products = products
        self.sum = sum
    }

    @inlinable @inline(__always)
    public static var leastScratch: Int { 512 }

    /// A raw row with a square between these is neither so small that it is not divided by its norm, nor so large that the
    /// square of its unit loses digits.
    @inlinable @inline(__always)
    public static var tinySquare: Double { 2e-10 }
    @inlinable @inline(__always)
    public static var hugeSquare: Double { 0x1p100 }

    /// A NaN is not.
    @inlinable @inline(__always)
    public static func isOrdinary(rawSquare: Double) -> Bool { rawSquare > tinySquare && rawSquare < hugeSquare }

    /// Whether sums of an identity of so many rows need a closer look than one in the compute type: something overflowed,
    /// or cancels. A NaN does, too.
    @inlinable @inline(__always)
    public func isExceptional(_ sums: RowSums, count: Int) -> Bool {
        let spread = sums.squares - sums.product / Double(count)
        return !(sums.squares < .infinity && sums.product < .infinity)
            || (centred && count > 1 && !(spread > 0.1 * sums.squares))
    }
}

/// Sums over identities of `LinearRows`.
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
