#if PULLPUSH_FMA
import KernelInterface

/// What `Kernels.writeLinear` does. The gradient with respect to a normalised row `x_a` of an identity with `K` rows and the
/// sum `s` is
///
///     K ≥ 2:           pullOnSum·s + (pullOnRow + pullOnRowByCount·K)·x_a
///     first row only:  ownOnFirst·v + firstOnFirst·x_a
///
/// with one vector `v` for all identities, or one for each.
struct LinearRows {
    let job: UnsafePointer<GradientJob>
    let space: LinearSpace
    let rows: UnsafePointer<Rows>
    let gradient: UnsafeMutableRawPointer
    /// Bytes from one row to the next.
    let featureBytes: Int
    let gradientBytes: Int
    /// v of identity 0, and bytes from one identity's to the next's.
    private let own: UnsafeRawPointer
    private let ownBytes: Int
    let ownOnFirst: Double

    @inline(__always)
    init(_ job: UnsafePointer<GradientJob>, _ space: LinearSpace) {
        self.job = job
        self.space = space
        rows = job.pointee.groupedRows
        gradient = job.pointee.gradient.unsafelyUnwrapped
        featureBytes = rows.pointee.stride &* rows.pointee.element.size
        gradientBytes = job.pointee.gradientBytes
        if let points = job.pointee.pointGradients {
            ownBytes = points.stride &* rows.pointee.element.computeSize
            own = points.vectors - points.firstPoint &* ownBytes
            ownOnFirst = points.weight
        } else {
            ownBytes = 0
            own = job.pointee.total
            ownOnFirst = job.pointee.coefficients.totalOnFirst
        }
    }

    /// Whether the pull needs the distances of rows that are close to each other.
    @inline(__always)
    var centred: Bool { job.pointee.centred }

    /// Whether the sums of unit rows need squares: for the means, and to see how close the rows are.
    @inline(__always)
    var wantsSquares: Bool { centred || job.pointee.wantsMeans }

    @inline(__always)
    var isLarge: Bool { job.pointee.isLarge }

    /// Whether rows can all begin with cache lines. Where they do not, a load of 64 bytes is one of two lines. It does not
    /// count where they are: wherever a batch is, its results have the same bits.
    @inline(__always)
    var rowsAreLines: Bool { rows.pointee.bytes(of: 1) % 64 == 0 }

    /// The vector that an identity's first row has for itself. Without weight it is any vector of finite numbers, for zero
    /// times another is none.
    @inline(__always)
    func own(of number: Int, _ identity: Identity) -> UnsafeRawPointer {
        ownOnFirst == 0 ? rows.pointee.features + identity.row(0) &* featureBytes : own + number &* ownBytes
    }

    /// Where all is about an identity of four rows.
    @inline(__always)
    func addresses(of number: Int, _ identity: Identity) -> IdentityAddresses {
        let rows = rows.pointee
        return IdentityAddresses(
            rows: FourAddresses(rows.features, identity, bytes: featureBytes, rows),
            targets: FourAddresses(gradient, identity, bytes: gradientBytes, rows), own: own(of: number, identity))
    }

    /// A raw row with a square between these is neither so small that it is not divided by its norm, nor so large that the
    /// square of its unit loses digits.
    @inline(__always)
    static var tinySquare: Double { 2e-10 }
    @inline(__always)
    static var hugeSquare: Double { 0x1p100 }

    /// A NaN is not.
    @inline(__always)
    static func isOrdinary(rawSquare: Double) -> Bool { rawSquare > tinySquare && rawSquare < hugeSquare }

    /// Whether sums of an identity of so many rows need a closer look than one in the compute type: something overflowed,
    /// or cancels. A NaN does, too.
    @inline(__always)
    func isExceptional(_ sums: RowSums, count: Int) -> Bool {
        let spread = sums.squares - sums.product / Double(count)
        return !(sums.squares < .infinity && sums.product < .infinity)
            || (centred && count > 1 && !(spread > 0.1 * sums.squares))
    }
}

/// The coefficients of `LinearRows` for identities of `count` rows. They are finite, or exceptional.
struct LinearWeights {
    let count: Int
    let onSum: Double
    let onRow: Double
    /// Of the first row, on its own vector and on itself.
    let ownOnFirst: Double
    let onFirst: Double
    /// Whether rows enter neither normalised nor by themselves.
    let isUnit: Bool

    @inline(__always)
    init(_ job: LinearRows, count: Int) {
        let pulls = count > 1
        let c = job.job.pointee.coefficients
        self.count = count
        onSum = pulls ? c.pullOnSum : 0
        onRow = pulls ? c.pullOnRow + c.pullOnRowByCount * Double(count) : 0
        ownOnFirst = job.ownOnFirst
        onFirst = onRow + c.firstOnFirst
        isUnit = job.rows.pointee.normalization == .none && onRow == 0 && onFirst == 0
    }
}
#endif
