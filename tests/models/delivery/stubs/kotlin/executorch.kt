// What the delivered classes call of org.pytorch:executorch-android 1.4: signatures, no deeds.
package org.pytorch.executorch

import java.io.Closeable
import java.nio.FloatBuffer

open class Module private constructor() : Closeable {
    open fun forward(vararg inputs: EValue): Array<EValue> = TODO()

    open fun destroy() = Unit

    override fun close() = destroy()

    companion object {
        const val LOAD_MODE_FILE = 0
        const val LOAD_MODE_MMAP = 1

        @JvmStatic
        @JvmOverloads
        fun load(modelPath: String?, loadMode: Int = LOAD_MODE_FILE, numThreads: Int = 0): Module =
            TODO()
    }
}

class EValue private constructor() {
    fun toTensor(): Tensor = TODO()

    companion object {
        @JvmStatic fun from(tensor: Tensor): EValue = TODO()
    }
}

enum class DType { UINT8, FLOAT }

abstract class Tensor internal constructor() {
    fun shape(): LongArray = TODO()

    abstract fun dtype(): DType

    open val dataAsFloatArray: FloatArray
        get() = TODO()

    companion object {
        @JvmStatic fun allocateFloatBuffer(numElements: Int): FloatBuffer = TODO()

        @JvmStatic fun fromBlob(data: FloatBuffer, shape: LongArray): Tensor = TODO()
    }
}
