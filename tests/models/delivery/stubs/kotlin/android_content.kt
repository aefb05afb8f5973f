// What the delivered sources use of android.content.
package android.content

import android.content.res.AssetManager
import java.io.File

abstract class Context {
    abstract val noBackupFilesDir: File
    abstract val assets: AssetManager
}
