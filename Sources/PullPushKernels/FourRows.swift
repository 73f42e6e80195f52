#if PULLPUSH_FMA
import CVectors
import KernelInterface

/// Four rows of features.
struct FourRows<S: ComputeScalar> {
    let row0: UnsafePointer<S>
    let row1: UnsafePointer<S>
    let row2: UnsafePointer<S>
    let row3: UnsafePointer<S>

    @inline(__always)
    private init(_ rows: FourAddresses) {
        (row0, row1) = (hiddenRow(at: rows.a), hiddenRow(at: rows.b))
        (row2, row3) = (hiddenRow(at: rows.c), hiddenRow(at: rows.d))
    }

    @inline(__always)
    init(_ job: LinearRows, _ identity: Identity) {
        let rows = job.rows.pointee
        self.init(FourAddresses(rows.features, identity, bytes: job.featureBytes, rows))
    }

    /// The first rows of four identities.
    @inline(__always)
    init(_ rows: Rows, firstRowsFrom first: Int) {
        self.init(FourAddresses(rows, firstRowsFrom: first, bytes: rows.stride &* MemoryLayout<S>.size))
    }
}

/// The gradient of four rows.
struct FourTargets<S: ComputeScalar> {
    let row0: UnsafeMutablePointer<S>
    let row1: UnsafeMutablePointer<S>
    let row2: UnsafeMutablePointer<S>
    let row3: UnsafeMutablePointer<S>

    @inline(__always)
    init(_ job: LinearRows, _ identity: Identity) {
        let rows = FourAddresses(
            UnsafeRawPointer(job.gradient), identity, bytes: job.gradientBytes, job.rows.pointee)
        func target(_ address: UnsafeRawPointer) -> UnsafeMutablePointer<S> {
            UnsafeMutablePointer(mutating: hiddenRow(at: address))
        }
        (row0, row1, row2, row3) = (target(rows.a), target(rows.b), target(rows.c), target(rows.d))
    }
}

/// Where four rows are.
private struct FourAddresses {
    let a: UnsafeRawPointer
    let b: UnsafeRawPointer
    let c: UnsafeRawPointer
    let d: UnsafeRawPointer

    /// The rows of an identity.
    @inline(__always)
    init(_ start: UnsafeRawPointer, _ identity: Identity, bytes: Int, _ rows: Rows) {
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
    @inline(__always)
    init(_ rows: Rows, firstRowsFrom first: Int, bytes: Int) {
        func row(_ identity: Int) -> UnsafeRawPointer { rows.features + rows.identity(identity).row(0) &* bytes }
        (a, b, c, d) = (row(first), row(first &+ 1), row(first &+ 2), row(first &+ 3))
    }
}

/// One register of columns of four rows.
struct FourLanes<S: ComputeScalar> {
    var x0: Register<S>
    var x1: Register<S>
    var x2: Register<S>
    var x3: Register<S>

    @inline(__always)
    init(_ rows: FourRows<S>, _ column: Int) {
        x0 = Register(rows.row0 + column)
        x1 = Register(rows.row1 + column)
        x2 = Register(rows.row2 + column)
        x3 = Register(rows.row3 + column)
    }

    @inline(__always)
    func dropFirst(_ count: Int) -> Self {
        var result = self
        result.x0 = x0.dropFirst(count)
        result.x1 = x1.dropFirst(count)
        result.x2 = x2.dropFirst(count)
        result.x3 = x3.dropFirst(count)
        return result
    }
}

/// One number for each of four rows.
typealias Four = Register<Double>

/// Sums in the compute type are cut at so many columns, for their rounding grows with their length.
@inline(__always)
var mostColumns: Int { 256 }

/// `RowScale` of four rows.
struct FourScales {
    let scale: Four
    let square: Four
    let projection: Four

    /// Nil if one of the rows is exceptional.
    @inline(__always)
    init?(squares: Four, _ normalization: Normalization) {
        if cvectors_all_between(squares.lanes, LinearRows.tinySquare, LinearRows.hugeSquare) == 0 { return nil }
        let norm = Four(cvectors_square_root(squares.lanes))
        let one = Four(repeating: 1)
        switch normalization {
        case .none:
            (scale, square, projection) = (one, squares, .zero)
        case .l2:
            (scale, square, projection) = (Four(cvectors_divide(one.lanes, norm.lanes)), one, one)
        case .renorm:
            let divisor = norm + Four(repeating: 1e-7)
            scale = Four(cvectors_divide(one.lanes, divisor.lanes))
            square = (norm * scale) * (norm * scale)
            projection = Four(cvectors_divide(divisor.lanes, norm.lanes))
        }
    }
}
#endif
