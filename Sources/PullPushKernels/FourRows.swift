#if PULLPUSH_FMA
import CVectors
import KernelInterface

// Identities of four rows, as most batches have them: everything about a column stays in registers.

/// An identity of four rows.
struct IdentityOfFour<S: RegisterScalar> {
    let rows: FourRows<S>
    let targets: FourTargets<S>
    /// The vector that the first row has for itself.
    let own: UnsafePointer<S>

    @inline(__always)
    init(_ addresses: IdentityAddresses) {
        rows = FourRows(addresses.rows)
        targets = FourTargets(addresses.targets)
        own = addresses.own.assumingMemoryBound(to: S.self)
    }
}

/// Four rows of features.
struct FourRows<S: RegisterScalar> {
    let row0: UnsafePointer<S>
    let row1: UnsafePointer<S>
    let row2: UnsafePointer<S>
    let row3: UnsafePointer<S>

    @inline(__always)
    init(_ addresses: FourAddresses) {
        (row0, row1) = (hiddenRow(at: addresses.a), hiddenRow(at: addresses.b))
        (row2, row3) = (hiddenRow(at: addresses.c), hiddenRow(at: addresses.d))
    }
}

/// The gradient of four rows.
struct FourTargets<S: RegisterScalar> {
    let row0: UnsafeMutablePointer<S>
    let row1: UnsafeMutablePointer<S>
    let row2: UnsafeMutablePointer<S>
    let row3: UnsafeMutablePointer<S>

    @inline(__always)
    init(_ addresses: FourAddresses) {
        func target(_ address: UnsafeRawPointer) -> UnsafeMutablePointer<S> {
            UnsafeMutablePointer(mutating: hiddenRow(at: address))
        }
        (row0, row1) = (target(addresses.a), target(addresses.b))
        (row2, row3) = (target(addresses.c), target(addresses.d))
    }
}

/// One register of columns of four rows.
struct FourLanes<S: RegisterScalar> {
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

/// The squares of four rows, one sum for each.
struct FourSquares<S: RegisterScalar> {
    var x0 = Register<S>.zero
    var x1 = Register<S>.zero
    var x2 = Register<S>.zero
    var x3 = Register<S>.zero

    @inline(__always)
    init() {}

    @inline(__always)
    mutating func add(_ x: FourLanes<S>) {
        x0 = multiplyAdd(x.x0, x.x0, x0)
        x1 = multiplyAdd(x.x1, x.x1, x1)
        x2 = multiplyAdd(x.x2, x.x2, x2)
        x3 = multiplyAdd(x.x3, x.x3, x3)
    }

    @inline(__always)
    var totals: Four { Register.totals(x0, x1, x2, x3) }
}
#endif
